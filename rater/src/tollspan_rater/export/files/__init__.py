"""Files of what is handed over: tables of columns, forms of writing, folders that are there whole or not at all."""
