using Scheduler.Domain.Ids;
using Scheduler.Domain.Secrets;
using Scheduler.Storage;
using Scheduler.Storage.Secrets;
using Xunit;

namespace Scheduler.UnitTests.Storage.Secrets;

/// <summary>What is encrypted comes back as it was, or not at all.</summary>
public sealed class EnvelopeVaultTests : IDisposable
{
    private const string Value = "hf_planted-value ünd 32 more characters";

    private static readonly SecretBinding Own = SecretBinding.OfSecret(new AccountId("acct-a"), "hf");
    private static readonly string First = MasterKeys.NewLine("k1");
    private static readonly string Second = MasterKeys.NewLine("k2");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vault-");
    private readonly EnvelopeVault _vault = VaultOf(First);

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_value_comes_back_and_no_stored_member_shows_it_INV_13()
    {
        var sealedValue = _vault.Seal(Value, Own);

        Assert.Equal(Value, _vault.Open(sealedValue, Own));
        Assert.Equal("k1", sealedValue.MasterKey);
        Assert.DoesNotContain("planted", sealedValue.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(
            Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(Value))[..16],
            sealedValue.ToString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Equal_values_are_stored_differently_each_time()
    {
        var (one, other) = (_vault.Seal(Value, Own), _vault.Seal(Value, Own));

        Assert.NotEqual(one.Value, other.Value);
        Assert.NotEqual(one.DataKey, other.DataKey);
        Assert.NotEqual(_vault.Open(_vault.SealRandom(Own), Own), _vault.Open(_vault.SealRandom(Own), Own));
        Assert.Equal(43, _vault.Open(_vault.SealRandom(Own), Own).Length);
    }

    [Fact]
    public void A_value_in_the_row_of_another_account_or_name_is_refused()
    {
        var sealedValue = _vault.Seal(Value, Own);

        Refused(() => _vault.Open(sealedValue, SecretBinding.OfSecret(new AccountId("acct-b"), "hf")));
        Refused(() => _vault.Open(sealedValue, SecretBinding.OfSecret(new AccountId("acct-a"), "hf2")));
        Refused(() =>
            _vault.Open(sealedValue, SecretBinding.OfRuntimeKey(new InstanceId("acct-a"), new AllocationKey("hf")))
        );
    }

    [Fact]
    public void A_part_of_another_value_is_refused()
    {
        var (one, other) = (_vault.Seal("one", Own), _vault.Seal("two", Own));

        Refused(() => _vault.Open(one with { Value = other.Value }, Own));
        Refused(() => _vault.Open(one with { DataKey = other.DataKey }, Own));
    }

    [Fact]
    public void Every_changed_byte_is_refused()
    {
        var sealedValue = _vault.Seal("v", Own);
        for (var i = 0; i < sealedValue.Value.Length; i++)
        {
            Refused(() => _vault.Open(sealedValue with { Value = Changed(sealedValue.Value, i) }, Own));
        }

        for (var i = 0; i < sealedValue.DataKey.Length; i++)
        {
            Refused(() => _vault.Open(sealedValue with { DataKey = Changed(sealedValue.DataKey, i) }, Own));
        }

        Refused(() => _vault.Open(sealedValue with { Value = "" }, Own));
        Refused(() => _vault.Open(sealedValue with { Value = "#" }, Own));
    }

    [Fact]
    public void A_missing_master_key_is_named_and_another_key_of_its_id_is_refused()
    {
        var sealedValue = _vault.Seal(Value, Own);

        Assert.Contains("'k1', which is not configured", Refused(() => VaultOf(Second).Open(sealedValue, Own)));
        Assert.Contains("'k1' is another one", Refused(() => VaultOf(MasterKeys.NewLine("k1")).Open(sealedValue, Own)));
        Assert.Contains("'k1'", Refused(() => new UnsetVault().Open(sealedValue, Own)));
    }

    [Fact]
    public void After_a_rewrap_the_old_master_key_is_not_needed()
    {
        var before = _vault.Seal(Value, Own);
        var after = VaultOf($"{Second}\n{First}").Rewrap(before, Own);

        Assert.Equal("k2", after.MasterKey);
        Assert.Equal(Value, VaultOf(Second).Open(after, Own));
        Assert.Same(after, VaultOf(Second).Rewrap(after, Own));
        Refused(() => VaultOf(Second).Rewrap(before, Own));
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment")]
    [InlineData("k1")]
    [InlineData("k1:short")]
    [InlineData("K1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    public void Wrong_texts_are_no_keys(string text) => Assert.Null(MasterKeys.Parse(text));

    [Fact]
    public void Keys_are_read_from_lines_or_commas_and_the_first_one_encrypts()
    {
        var lines = MasterKeys.Parse($"# new\n{First}\n\n{Second}\n");

        Assert.Equal("k1", lines!.First);
        Assert.Equal(["k1", "k2"], lines.Ids);
        Assert.Equal(["k2", "k1"], MasterKeys.Parse($"{Second},{First}")!.Ids);
        Assert.Equal("master keys k1, k2", lines.ToString());
    }

    [Fact]
    public void With_SQLite_a_private_key_file_is_made_once()
    {
        var storage = Sqlite();
        var sealedValue = SecretVaults.Open(new SecretsOptions(), storage).Seal(Value, Own);
        var file = Path.Combine(_folder.FullName, "secrets.key");

        Assert.Equal(Value, SecretVaults.Open(new SecretsOptions(), storage).Open(sealedValue, Own));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        Assert.Single(_folder.GetFiles());
    }

    [Fact]
    public void A_damaged_key_file_stops_the_start_and_is_not_replaced()
    {
        var file = Path.Combine(_folder.FullName, "secrets.key");
        File.WriteAllText(file, "");

        var fault = Assert.Throws<StorageUnusableException>(() => SecretVaults.Open(new SecretsOptions(), Sqlite()));

        Assert.Contains(file, fault.Message);
        Assert.Equal("", File.ReadAllText(file));
    }

    [Fact]
    public void With_PostgreSQL_nothing_is_stored_until_a_key_is_configured()
    {
        var storage = Sqlite();
        storage.PostgreSql.ConnectionString = "Host=db";

        var unset = SecretVaults.Open(new SecretsOptions(), storage);
        var set = SecretVaults.Open(new SecretsOptions { MasterKeys = First }, storage);

        Assert.Contains("Secrets:MasterKeyFile", unset.Unusable);
        Refused(() => unset.Seal(Value, Own));
        Assert.Null(set.Unusable);
        Assert.Empty(_folder.GetFiles());
    }

    private StorageOptions Sqlite() => new() { Sqlite = { Path = Path.Combine(_folder.FullName, "scheduler.db") } };

    private static EnvelopeVault VaultOf(string keys) => new(MasterKeys.Parse(keys)!);

    private static string Refused(Func<object> call)
    {
        var message = Assert.Throws<SecretUnreadableException>(call).Message;
        Assert.DoesNotContain("planted", message, StringComparison.Ordinal);
        return message;
    }

    /// <summary>Another character of the alphabet, with other bits at every place.</summary>
    private static string Changed(string text, int at)
    {
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        var letters = text.ToCharArray();
        letters[at] = alphabet[(alphabet.IndexOf(text[at], StringComparison.Ordinal) + 32) % 64];
        return new string(letters);
    }
}
