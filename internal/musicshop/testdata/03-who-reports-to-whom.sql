SELECT e.first_name || ' ' || upper(e.last_name COLLATE "C.utf8"), e.title,
       CASE WHEN m.employee_id IS NULL THEN 'nobody' ELSE m.first_name || ' ' || m.last_name END,
       b.last_name, extract(year FROM age(e.hire_date, e.birth_date)), to_char(e.hire_date, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
FROM employee e
LEFT JOIN employee m ON m.employee_id = e.reports_to
LEFT JOIN employee b ON b.employee_id = m.reports_to
ORDER BY m.last_name COLLATE "C" NULLS LAST, b.last_name COLLATE "C" DESC NULLS FIRST, e.hire_date DESC NULLS LAST, e.employee_id
