"""The node on this machine: Orthanc, Redis, workers, scheduler and web service under one supervisor."""
