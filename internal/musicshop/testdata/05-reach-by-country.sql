SELECT billing_country, count(DISTINCT customer_id), count(DISTINCT billing_city), count(DISTINCT billing_state),
       count(*) FILTER (WHERE billing_state IS NULL), min(billing_city COLLATE "C"),
       count(DISTINCT extract(dow FROM invoice_date)) FILTER (WHERE total < 5)
FROM invoice
GROUP BY billing_country
ORDER BY 2 DESC, 3 DESC, billing_country COLLATE "C" NULLS LAST
