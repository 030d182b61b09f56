package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// order is a row of the data: thirteen columns of the usual kinds, about 340 bytes as JSON. The baseline scans into it,
// with the types that a program written by hand would choose; money is a float64 there, which is the cheapest.
type order struct {
	ID         int64     `json:"id"`
	Number     string    `json:"number"`
	CustomerID int64     `json:"customer_id"`
	Status     string    `json:"status"`
	Currency   string    `json:"currency"`
	Quantity   int32     `json:"quantity"`
	Total      float64   `json:"total"`
	Discount   float64   `json:"discount"`
	Paid       bool      `json:"paid"`
	Placed     time.Time `json:"placed"`
	Due        time.Time `json:"due"`
	Address    string    `json:"address"`
	Note       string    `json:"note"`
}

// joined is a row of the join of orders with their customers.
type joined struct {
	ID       int64     `json:"id"`
	Number   string    `json:"number"`
	Status   string    `json:"status"`
	Total    float64   `json:"total"`
	Placed   time.Time `json:"placed"`
	Note     string    `json:"note"`
	Customer string    `json:"customer"`
	Country  string    `json:"country"`
	Email    string    `json:"email"`
}

var (
	orderColumns = []string{"id", "number", "customer_id", "status", "currency", "quantity", "total", "discount", "paid", "placed", "due",
		"address", "note"}
	statuses   = []string{"open", "paid", "shipped", "cancelled", "returned"}
	currencies = []string{"EUR", "USD", "CZK", "NOK"}
	countries  = []string{"Norway", "Brazil", "Czechia", "Japan", "Canada", "Kenya"}
	words      = []string{"deliver", "after", "noon", "gift", "wrapped", "fragile", "call", "before", "arrival", "second", "floor", "gate", "left", "door"}
)

// customersOf is how many customers there are for a number of orders.
func customersOf(orders int) int { return max(orders/20, 1) }

// firstDay is the day of the first order; one is placed every minute.
var firstDay = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)

// appendOrder appends the cells of an order, the same ones for the same id and count of orders on every run.
func appendOrder(cells []string, id, orders int) []string {
	r := rand.New(rand.NewPCG(uint64(id), 1))
	placed := firstDay.Add(time.Duration(id)*time.Minute + time.Duration(r.IntN(60_000))*time.Millisecond)
	note := ""
	for i := range 8 + r.IntN(6) {
		if i > 0 {
			note += " "
		}
		note += words[r.IntN(len(words))]
	}
	cents := r.IntN(100_000_00)
	return append(cells, strconv.Itoa(id), fmt.Sprintf("SO-%08d", id), strconv.Itoa(1+r.IntN(customersOf(orders))), statuses[r.IntN(len(statuses))],
		currencies[r.IntN(len(currencies))], strconv.Itoa(1+r.IntN(40)), fmt.Sprintf("%d.%02d", cents/100, cents%100),
		fmt.Sprintf("0.%02d", r.IntN(40)), strconv.FormatBool(r.IntN(2) == 0), placed.Format("2006-01-02T15:04:05.000Z"),
		placed.AddDate(0, 0, 30).Format(time.DateOnly), fmt.Sprintf("%d Harbour Street, %05d %s", 1+r.IntN(300), r.IntN(100_000), countries[r.IntN(len(countries))]), note)
}

func appendCustomer(cells []string, id int) []string {
	r := rand.New(rand.NewPCG(uint64(id), 2))
	return append(cells, strconv.Itoa(id), fmt.Sprintf("Customer %d Ltd", id), countries[r.IntN(len(countries))], fmt.Sprintf("buyer%d@example.com", id))
}

// writeCSV writes a number of orders to a file with a header line and answers with its path. The file is made once.
func (b *bench) writeCSV(orders int) (string, error) {
	return b.csvFile("orders", orderColumns, orders, func(cells []string, id int) []string { return appendOrder(cells, id, orders) })
}
