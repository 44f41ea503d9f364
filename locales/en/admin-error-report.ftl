admin-error-report-markdown = Download as Markdown
admin-error-report-written = Written
admin-error-report-model = with the model { $model }
admin-error-report-problem = No model had a part in it: { $why }
admin-error-report-others = Other reports
admin-error-report-waiting = This report is being written
admin-error-report-waiting-body = It appears here by itself.
