admin-storage-title = 存储
admin-storage-lead = 数据库有多大、增长多快、磁盘还能用多久。各表每夜测量一次。
admin-storage-settings = 各类数据的保留期
admin-storage-soon = 按目前的增长，磁盘将在 { $days } 天后写满。请腾出空间，或缩短保留期。
admin-storage-database = 数据库
admin-storage-growth = 日增长
admin-storage-a-day = { $size }／天
admin-storage-over =
    { $days ->
       *[other] 最近 { $days } 天
    }
admin-storage-later = 测量 { $days } 夜后可知
admin-storage-free = 磁盘剩余
admin-storage-full =
    { $days ->
        [0] 一天内写满
       *[other] { $days } 天后写满
    }
admin-storage-never = 数据库没有增长
admin-storage-unknown = 数夜之后可知还能用多久
admin-storage-journal = 流水日志
admin-storage-at-most = 最多 { $size }
admin-storage-backups = 备份
admin-storage-no-backups = 未启用；请设置 MODELGATE_BACKUP_DIR
admin-storage-no-backup-yet = 今夜生成第一份
admin-storage-files =
    { $count ->
       *[other] { $count } 个文件
    }
admin-storage-tables = 数据表
admin-storage-table = 表
admin-storage-size = 大小
admin-storage-in-a-year = 一年后
admin-storage-empty-title = 尚未测量
admin-storage-empty-body = “数据库维护”任务每夜测量各表；也可在定时任务中立即运行。
