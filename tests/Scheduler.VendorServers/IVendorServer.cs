using Microsoft.AspNetCore.Builder;

namespace Scheduler.VendorServers;

/// <summary>A server that answers as a vendor's public description says. It allocates nothing.</summary>
public interface IVendorServer
{
    /// <summary>Name on the command line and of the vendor's folder, in lower case.</summary>
    string Name { get; }

    /// <summary>The setting that points the scheduler's adapter at <paramref name="address"/>, for the first line of output.</summary>
    string SettingFor(Uri address);

    void MapTo(WebApplication app);
}
