SELECT p.name, count(t.track_id), count(DISTINCT g.name), round(coalesce(sum(t.milliseconds), 0) / 3600000.0, 3), coalesce(sum(t.unit_price), 0), round(avg(t.unit_price), 4),
       max(t.name COLLATE "C")
FROM playlist p
LEFT JOIN playlist_track pt ON pt.playlist_id = p.playlist_id
LEFT JOIN track t ON t.track_id = pt.track_id
LEFT JOIN genre g ON g.genre_id = t.genre_id
GROUP BY p.playlist_id
ORDER BY 2 DESC, p.name COLLATE "C" NULLS FIRST, p.playlist_id
