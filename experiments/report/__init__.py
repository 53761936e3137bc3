"""Reports: store → tables and figures → one page."""
