"""A web service over the flights that left New York in 2013, on a database inside the process.

    uvicorn examples.fastapi_app.main:app

`main` puts it together, `models` says what goes over the wire, `flights`, `airports` and `delays` answer from the
database, `holds` changes several documents in one transaction, `feed` tells listeners what was changed, `live` keeps a
page up to date. Copy it as the start of your own.
"""
