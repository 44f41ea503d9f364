user-documents-title = 文档
