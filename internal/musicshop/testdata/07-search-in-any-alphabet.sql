SELECT t.name, a.name, b.title, char_length(t.name), strpos(t.name, 'ã')
FROM track t
LEFT JOIN album b ON b.album_id = t.album_id
LEFT JOIN artist a ON a.artist_id = b.artist_id
WHERE strpos(lower(t.name COLLATE "C.utf8"), 'ção') > 0 OR strpos(a.name, 'É') > 0 OR left(b.title, 1) = 'Ø' OR right(t.composer, 4) = 'José'
ORDER BY t.name COLLATE "C", a.name COLLATE "C" NULLS LAST, t.track_id DESC
