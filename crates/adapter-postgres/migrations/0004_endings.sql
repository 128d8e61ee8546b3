-- endings: how often sessions were ended; whoever sees it grow looks which of its own are gone.
ALTER TABLE campanile ADD COLUMN endings bigint NOT NULL DEFAULT 0;
