SELECT track_id, name, composer, round(milliseconds / 60000.0, 2), round(unit_price * 1.0725, 2), round(unit_price / (bytes / 1048576.0), 4), milliseconds % 7 - 3
FROM track
WHERE round(milliseconds / 60000.0, 2) > 4.5
ORDER BY composer COLLATE "C" NULLS LAST, round(unit_price / (bytes / 1048576.0), 4) DESC NULLS LAST, name COLLATE "C", track_id
