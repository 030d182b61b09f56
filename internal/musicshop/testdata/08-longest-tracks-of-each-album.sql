SELECT b.title, r.place, r.name, r.milliseconds / 1000.0
FROM (SELECT t.*, rank() OVER (PARTITION BY album_id ORDER BY milliseconds DESC) AS place FROM track t WHERE album_id IS NOT NULL) r
JOIN album b ON b.album_id = r.album_id
WHERE r.place <= 2 AND b.album_id <= 60
ORDER BY b.title COLLATE "C", r.place, r.name COLLATE "C", r.track_id
