// Package parquet writes rows as an Apache Parquet file, which analysis tools read column by column. It keeps the types of
// columns: see [NewWriter]. Only programs that import it link the library behind it.
//
// The format: https://github.com/apache/parquet-format (LogicalTypes.md for the types).
package parquet
