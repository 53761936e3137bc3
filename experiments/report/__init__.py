"""Reports: store → findings → tables, figures and headline → one page."""
