"""What the cluster must hold beside its topics: principals and their access lists, for every deployment."""
