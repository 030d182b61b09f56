SELECT i.billing_country, g.name, sum(l.unit_price * l.quantity), sum(l.quantity)
FROM invoice_line l
JOIN invoice i ON i.invoice_id = l.invoice_id
JOIN track t ON t.track_id = l.track_id
LEFT JOIN genre g ON g.genre_id = t.genre_id
WHERE i.billing_country IN ('Brazil', 'Canada', 'USA', 'Germany', 'France') AND i.invoice_date >= '2022-01-01'
GROUP BY i.billing_country, g.name
ORDER BY 3 DESC, i.billing_country COLLATE "C", g.name COLLATE "C" NULLS FIRST
