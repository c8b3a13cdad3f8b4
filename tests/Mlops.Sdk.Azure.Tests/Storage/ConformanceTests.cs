using global::Azure.Storage.Blobs;
using Mlops.Sdk.Azure.Tests.Emulator;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Azure.Tests.Storage;

/// <summary>A container passes every rule of the suite: as it is, in blocks below a prefix, read slowly, and with answers that get lost.</summary>
public sealed class ConformanceTests(Azurite azurite)
{
    public static TheoryData<string> Rules => [.. ObjectStoreConformance.Rules];

    /// <summary>Gets the rules that hold when answers are lost: all but those whose refused writers are told that the outcome is not known (see WritingTests).</summary>
    public static TheoryData<string> RulesWithoutAnswers => [.. ObjectStoreConformance.Rules.Where(r => !NeedAnswers.Any(n => r.StartsWith(n, StringComparison.Ordinal)))];

    /// <summary>Rules in which a writer is refused by an old ETag after an answer was lost.</summary>
    private static string[] NeedAnswers => ["A put if-match", "Increments", "A put of equal content makes the old ETag old", "After a touch a removal or a put by the old ETag", "A put whose content fails anywhere"];

    [Theory]
    [MemberData(nameof(Rules))]
    public Task A_container_conforms(string rule)
    {
        string container = azurite.NewName();
        return CheckAsync(rule, () => new AzureBlobObjectStore(azurite.ConnectionString, container));
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public Task A_container_in_blocks_and_below_a_prefix_conforms(string rule)
    {
        string container = azurite.NewName();
        var options = new AzureBlobOptions { BlockSize = 1 << 19, Parallelism = 2, Prefix = "some/place" };
        return CheckAsync(rule, () => new AzureBlobObjectStore(azurite.ConnectionString, container, options));
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public Task A_container_that_answers_a_byte_at_a_time_conforms(string rule)
    {
        string container = azurite.NewName();
        return CheckAsync(rule, () =>
        {
            var slow = new FaultInjectingObjectStore(new AzureBlobObjectStore(azurite.ConnectionString, container));
            slow.Sometimes(StoreFault.SlowRead, 0.05);
            return slow;
        });
    }

    [Theory]
    [MemberData(nameof(RulesWithoutAnswers))]
    public Task A_container_whose_answers_get_lost_conforms(string rule)
    {
        string container = azurite.NewName();
        return CheckAsync(rule, () =>
        {
            BlobClientOptions client = Azurite.Client(new LostAnswers { Share = 0.3 });
            client.Retry.MaxRetries = 20; // so that no put loses all its answers
            return new AzureBlobObjectStore(azurite.ConnectionString, container, new AzureBlobOptions { BlockSize = 1 << 19, Client = client });
        });
    }

    /// <summary>A store that is wrong can let a check run on and on.</summary>
    private static async Task CheckAsync(string rule, Func<IObjectStore> open)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await ObjectStoreConformance.CheckAsync(rule, open, patience.Token);
    }
}
