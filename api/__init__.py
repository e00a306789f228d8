"""Every live way in: HTTP, storage, pages."""
