public-documents-title = Documents
