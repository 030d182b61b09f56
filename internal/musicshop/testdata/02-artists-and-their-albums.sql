SELECT a.artist_id, a.name, b.title, CASE WHEN b.album_id IS NULL THEN 'true' ELSE 'false' END
FROM artist a LEFT JOIN album b ON b.artist_id = a.artist_id
WHERE b.album_id IS NULL OR char_length(b.title) > 24
ORDER BY a.name COLLATE "C" NULLS FIRST, b.title COLLATE "C" DESC NULLS LAST, a.artist_id, b.album_id
