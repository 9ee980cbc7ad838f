using Grpc.Core;
using Scheduler.Api.V1;

namespace Scheduler.Host.Demo;

/// <summary>
/// The key of the demo's account for the example calls. A file keeps it, because a token is shown only once, and every
/// start would otherwise create another key.
/// </summary>
internal static class DemoKey
{
    private const string FileName = "demo.key";

    /// <summary>Returns the token of the key in the file, or of a new one if that key is missing or revoked.</summary>
    /// <param name="folder">Folder of the file.</param>
    public static async Task<string> EnsureAsync(
        CallInvoker calls,
        Metadata operatorKey,
        string account,
        string folder,
        CancellationToken cancellationToken
    )
    {
        var file = Path.Combine(folder, FileName);
        if (File.Exists(file))
        {
            var kept = (await File.ReadAllTextAsync(file, cancellationToken)).Trim();
            if (await IsValidAsync(calls, kept, account, cancellationToken))
            {
                return kept;
            }
        }

        var made = await new Keys.KeysClient(calls).CreateKeyAsync(
            new CreateKeyRequest { Parent = account, DisplayName = "demo" },
            operatorKey,
            cancellationToken: cancellationToken
        );
        PrivateFile.Write(file, made.Token, overwrite: true);
        return made.Token;
    }

    private static async Task<bool> IsValidAsync(
        CallInvoker calls,
        string token,
        string account,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await new Accounts.AccountsClient(calls).GetAccountAsync(
                new GetAccountRequest { Name = account },
                new Metadata { { "authorization", $"Bearer {token}" } },
                cancellationToken: cancellationToken
            );
            return true;
        }
        catch (RpcException refused)
            when (refused.StatusCode
                    is StatusCode.Unauthenticated
                        or StatusCode.PermissionDenied
                        or StatusCode.NotFound
                        or StatusCode.InvalidArgument
            )
        {
            return false;
        }
    }
}
