user-documents-title = Documents
