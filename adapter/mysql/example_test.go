package mysql_test

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/mysql"
)

// Opening checks the settings; the first use connects.
func ExampleOpen() {
	a, err := mysql.Open(context.Background(), adapter.Settings{
		Host: "db.example.com", Database: "shop", User: "reader", Password: "secret", ReadOnly: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Close()
	fmt.Println(a.Capabilities().Driver)

	_, err = mysql.Open(context.Background(), adapter.Settings{Host: "/var/run/mysqld/mysqld.sock", Database: "shop", User: "reader"})
	fmt.Println(err)
	// Output:
	// mysql
	// connection option not allowed: host must be one host name or IP address
}
