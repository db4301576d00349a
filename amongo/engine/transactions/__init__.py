"""Transactions: a private store on a moment, what of it clashes with others, and its commit as one frame."""

from amongo.engine.transactions.claims import OpenTransactions
from amongo.engine.transactions.transaction import Transaction

__all__ = ["OpenTransactions", "Transaction"]
