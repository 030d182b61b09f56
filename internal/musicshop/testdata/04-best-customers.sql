SELECT c.last_name || ', ' || c.first_name, coalesce(c.company, '(private)'), count(*), sum(i.total), round(avg(i.total), 2),
       count(*) FILTER (WHERE i.total > 5.5), to_char(max(i.invoice_date), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
FROM invoice i JOIN customer c ON c.customer_id = i.customer_id
GROUP BY c.customer_id
HAVING sum(i.total) > 39.5 AND count(*) > 5
ORDER BY sum(i.total) DESC, (c.last_name || ', ' || c.first_name) COLLATE "C", c.customer_id
