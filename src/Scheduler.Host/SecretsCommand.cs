using System.Net.Http.Headers;
using System.Text;

namespace Scheduler.Host;

/// <summary>
/// <c>scheduler secrets rotate</c>: asks the scheduler of these settings on this machine to encrypt all secrets and runtime keys under the
/// first master key.
/// </summary>
internal static class SecretsCommand
{
    /// <summary>Every instance with a runtime is written once.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromHours(1);

    public static async Task<bool> RotateAsync(Settings settings)
    {
        if (OperatorKey.Known(settings) is not { } key)
        {
            await Console.Error.WriteLineAsync(
                "No operator's key is known here: set Host:OperatorKey or Host:OperatorKeyFile."
            );
            return false;
        }

        var address = HealthCommand.AddressOf(settings.Host, "/v1/secrets:rotateMasterKey");
        using var handler = HealthCommand.NewHandler(settings.Host.Tls.CertificatePath);
        using var client = new HttpClient(handler) { Timeout = Patience };
        using var request = new HttpRequestMessage(HttpMethod.Post, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        try
        {
            using var answer = await client.SendAsync(request);
            var text = await answer.Content.ReadAsStringAsync();
            await (answer.IsSuccessStatusCode ? Console.Out : Console.Error).WriteLineAsync(text.Trim());
            return answer.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            await Console.Error.WriteLineAsync($"{address} {exception.Message}");
            return false;
        }
    }
}
