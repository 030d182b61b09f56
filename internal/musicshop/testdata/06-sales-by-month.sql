WITH local AS (
  SELECT total, invoice_date AT TIME ZONE 'UTC' AS at, invoice_date AT TIME ZONE 'UTC' AT TIME ZONE 'America/Sao_Paulo' AS wall FROM invoice
)
SELECT to_char(date_trunc('month', wall) AT TIME ZONE 'America/Sao_Paulo' AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), extract(year FROM date_trunc('month', wall)),
       count(*), sum(total), max(total), max(extract(day FROM wall))
FROM local
WHERE at >= timestamp '2021-07-01' AT TIME ZONE 'America/Sao_Paulo'
GROUP BY date_trunc('month', wall)
ORDER BY date_trunc('month', wall) DESC
