"""Who passes: visitors, guards of routes, cookies, headers, and requests that other sites make up."""
