public-documents-title = 文档
