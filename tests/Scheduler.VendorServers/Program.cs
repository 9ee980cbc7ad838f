using Scheduler.VendorServers;

// Starts the stand-in of one vendor, so that an adapter can be tried without an account.
// usage: vendor-servers VENDOR [--port N]
return await VendorProgram.RunAsync(args);
