admin-notifications-title = 通知
admin-notifications-empty = 没有需要您知道的事
admin-notifications-empty-body = 被供应商拒绝的凭证、没有可用目标的模型、即将用完的预算、写满的流水日志和登录失败都会显示在这里。
admin-notifications-dropped =
    { $count ->
       *[other] 本实例启动以来因一次来得太多而丢失了 { $value } 条通知。
    }
