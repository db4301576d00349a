"""The application: `uvicorn examples.fastapi_app.main:app`, then http://127.0.0.1:8000/ or /docs."""

from fastapi import FastAPI

from amongo.integrations.fastapi import Client, lifespan

from . import airports, delays, feed, flights, holds, live, settings
from .models import Health


def create_app(uri: str = settings.URI, database: str = settings.DATABASE) -> FastAPI:
    """The service over the database `database` at `uri`."""
    app = FastAPI(
        title="Flights",
        summary="Flights that left New York in 2013, served by a database inside this process.",
        version="1.0.0",
        lifespan=lifespan(uri, database=database, tz_aware=True),
    )
    for router in (flights.router, airports.router, delays.router, holds.router, feed.router, live.router):
        app.include_router(router)

    @app.get("/health", tags=["health"])
    async def health(client: Client) -> Health:
        """Whether the service answers."""
        return Health(status="ok", flights=await client[database].flights.estimated_document_count())

    return app


app = create_app()
