admin-storage-title = Storage
admin-storage-lead = How large the database is, how fast it grows, and how long the disk lasts. Tables are measured every night.
admin-storage-settings = How long things are kept
admin-storage-soon = At this growth the disk is full in { $days ->
    [one] 1 day
   *[other] { $days } days
}. Make room, or keep less.
admin-storage-database = Database
admin-storage-growth = Growth a day
admin-storage-a-day = { $size } a day
admin-storage-over =
    { $days ->
        [one] over the last { $days } day
       *[other] over the last { $days } days
    }
admin-storage-later = known after { $days } nights
admin-storage-free = Free disk
admin-storage-full =
    { $days ->
        [0] full within a day
        [one] full in { $days } day
       *[other] full in { $days } days
    }
admin-storage-never = the database does not grow
admin-storage-unknown = how long it lasts is known after some nights
admin-storage-journal = Journal
admin-storage-at-most = at most { $size }
admin-storage-backups = Backups
admin-storage-no-backups = none are made; set MODELGATE_BACKUP_DIR
admin-storage-no-backup-yet = the first is made tonight
admin-storage-files =
    { $count ->
        [one] { $count } file
       *[other] { $count } files
    }
admin-storage-tables = Tables
admin-storage-table = Table
admin-storage-size = Size
admin-storage-in-a-year = In a year
admin-storage-empty-title = Nothing measured yet
admin-storage-empty-body = The job that cares for the database measures the tables every night; it can be run at once under scheduled jobs.
