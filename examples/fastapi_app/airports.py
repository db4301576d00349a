"""Airports by their code."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, status

from amongo import AsyncCollection
from amongo.integrations.fastapi import collection

from .models import Airport, Faa

Airports = Annotated[AsyncCollection[dict[str, Any]], Depends(collection("airports"))]

router = APIRouter(prefix="/airports", tags=["airports"])


@router.get("/{faa}")
async def get_airport(faa: Faa, airports: Airports) -> Airport:
    """One airport."""
    document = await airports.find_one({"_id": faa})
    if document is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"no airport has the code {faa}")
    return Airport.model_validate(document)
