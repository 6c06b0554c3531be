SELECT
    time,
    hour(time) AS hour,
    dayofweek(time) AS weekday,
    holiday,
    workingday,
    weather,
    temperature,
    feels_like,
    humidity,
    windspeed,
    rentals
FROM source
