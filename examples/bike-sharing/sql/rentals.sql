-- Reads the columns of the ISLP table (day of the year, weather in words, bikers)
-- and those of UCI's hour.csv (dteday, weather as a number, cnt).
WITH both_forms AS (
    SELECT * FROM source
    UNION ALL BY NAME
    SELECT NULL AS dteday, NULL AS day, NULL AS bikers, NULL AS cnt WHERE FALSE
)
SELECT
    COALESCE(
        CAST(dteday AS TIMESTAMP),
        TIMESTAMP '2011-01-01' + to_days(CAST(day AS INTEGER) - 1)
    ) + to_hours(CAST(hr AS INTEGER)) AS time,
    holiday,
    workingday,
    CASE weathersit
        WHEN '1' THEN 'clear'
        WHEN '2' THEN 'cloudy/misty'
        WHEN '3' THEN 'light rain/snow'
        WHEN '4' THEN 'heavy rain/snow'
        ELSE weathersit
    END AS weather,
    temp AS temperature,
    atemp AS feels_like,
    hum AS humidity,
    windspeed,
    COALESCE(bikers, cnt) AS rentals
FROM both_forms
