"""Pure rules: rows in, state of orders, accounts, views and facts out. No clock, socket, file or database."""
