"""Settlement: the ledger of credits and cash, trades delivered versus payment, and the use of credits."""
