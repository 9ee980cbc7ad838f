using System.Text.Json;

namespace Scheduler.VendorServers;

/// <summary>Shows and sets the switches of a vendor's server over HTTP.</summary>
public static class QuirkSwitches
{
    public static VendorReply Answer<T>(VendorRequest request, T quirks)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Method == "POST")
        {
            using var given = JsonDocument.Parse(request.Body);
            foreach (var member in given.RootElement.EnumerateObject())
            {
                if (typeof(T).GetProperty(member.Name) is not { } property)
                {
                    return VendorReply.Text(400, $"No quirk has the name {member.Name}.\n");
                }

                property.SetValue(quirks, member.Value.Deserialize(property.PropertyType));
            }
        }

        return new VendorReply(200, JsonSerializer.Serialize(quirks) + "\n", "application/json");
    }
}
