admin-error-report-markdown = 下载 Markdown
admin-error-report-written = 生成于
admin-error-report-model = 使用模型 { $model }
admin-error-report-problem = 没有模型参与：{ $why }
admin-error-report-others = 其他报告
admin-error-report-waiting = 报告正在生成
admin-error-report-waiting-body = 完成后会自动显示在这里。
