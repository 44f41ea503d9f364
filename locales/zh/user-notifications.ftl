user-notifications-title = 通知
user-notifications-empty = 暂无通知
user-notifications-empty-body = 您的预算即将用完时，以及密钥到期前一周，会在这里通知您。
