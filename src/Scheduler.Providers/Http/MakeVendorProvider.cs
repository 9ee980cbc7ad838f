using Microsoft.Extensions.Logging;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Http;

/// <summary>Makes the provider of one account at a vendor.</summary>
internal delegate TProvider MakeVendorProvider<TOptions, TProvider>(
    TOptions options,
    IAllocationJournal journal,
    GpuNameResolver resolver,
    IHttpClientFactory http,
    TimeProvider clock,
    ILogger<TProvider> log
);
