SELECT c.country, t.media_type_id, sum(l.unit_price * l.quantity), count(DISTINCT c.customer_id), sum(t.milliseconds / 1000.0), max(t.name COLLATE "C")
FROM invoice i
JOIN invoice_line l ON l.invoice_id = i.invoice_id
JOIN track t ON t.track_id = l.track_id
JOIN customer c ON c.customer_id = i.customer_id
WHERE i.total > 2 AND t.milliseconds > 180000
GROUP BY c.country, t.media_type_id
HAVING sum(l.unit_price * l.quantity) > 1
ORDER BY 3 DESC, c.country COLLATE "C" NULLS FIRST, t.media_type_id
