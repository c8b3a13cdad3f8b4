using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Integration.Tests.Verification;

/// <summary>
/// Whatever is done to a stored byte is found, and the object is named. MLOPS_TEST_FLIPS asks for that many random flips over a larger
/// workspace, one in fifty of them by a whole verification that opens the workspace anew; the others by the check of the one object.
/// </summary>
public sealed class FlippedBitTests(Everything everything) : IClassFixture<Everything>
{
    private const int Whole = 2_048; // up to so many bytes every byte is flipped, above it every nth so that about so many are
    private static readonly int Flips = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_FLIPS") ?? "100", CultureInfo.InvariantCulture);

    [Fact]
    public void The_workspace_holds_an_object_of_every_kind() => Assert.Superset(
        new HashSet<string>(["commits", "segments", "snapshots", "cursors", "artifacts", "cache", "monitoring", "parts", "signals", "records", "access", "webhooks"], StringComparer.Ordinal),
        everything.Objects.Keys.Select(Everything.KindOf).ToHashSet(StringComparer.Ordinal));

    [Fact]
    public async Task A_flipped_bit_in_every_byte_is_found_and_the_object_named()
    {
        InMemoryObjectStore store = await everything.CopyAsync();
        await using var checking = await Checking.StartAsync(store);
        int flips = 0;
        foreach ((string key, byte[] good) in everything.Objects)
        {
            int step = Math.Max(1, good.Length / Whole);
            for (int at = 0; at < good.Length; at += step, flips++)
            {
                byte[] bad = [.. good];
                bad[at] ^= (byte)(1 << (at / step % 8));
                await ExpectDamageAsync(checking, store, key, bad, $"bit {at / step % 8} of byte {at} of {good.Length}");
            }

            await Everything.PutAsync(store, key, good);
            Assert.Null(await checking.CheckAsync(key));
        }

        Assert.True(flips > 30_000, $"Only {flips} bits were flipped.");
    }

    [Fact]
    public async Task An_object_that_is_cut_at_any_byte_is_named()
    {
        InMemoryObjectStore store = await everything.CopyAsync();
        await using var checking = await Checking.StartAsync(store);
        foreach ((string key, byte[] good) in everything.Objects)
        {
            int step = Math.Max(1, good.Length / 512);
            for (int cut = 0; cut < good.Length; cut += step)
            {
                // a record of the step cache that loses just its hash looks like one of the time before records had any: passed over, and told as a leftover
                await Everything.PutAsync(store, key, good[..cut]);
                StoreFinding? found = await checking.CheckAsync(key);
                Assert.True(found is { Severity: StoreFindingSeverity.Damage } || (found is not null && Everything.KindOf(key) == "cache"), $"'{key}' cut to {cut} of {good.Length} bytes: {found}");
            }

            await Everything.PutAsync(store, key, [.. good, (byte)'\n']);
            Assert.True(await checking.CheckAsync(key) is { Severity: StoreFindingSeverity.Damage }, $"A byte behind the end of '{key}' was not found.");
            await Everything.PutAsync(store, key, good);
        }
    }

    [Fact]
    public async Task A_flipped_bit_or_a_cut_end_of_any_object_is_named_by_a_verification_that_opens_the_workspace_anew()
    {
        InMemoryObjectStore store = await everything.CopyAsync();
        var random = new Random(3);
        foreach ((string key, byte[] good) in everything.Objects)
        {
            byte[] bad = [.. good];
            bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            foreach (byte[] damaged in (byte[][])[bad, good[..^1], []])
            {
                await Everything.PutAsync(store, key, damaged);
                WorkspaceVerification found = await MlopsWorkspace.VerifyStoreAsync(store);
                Assert.False(found.Ok, $"'{key}'");
                Assert.Contains(found.Findings, f => f.Key == key && f.Severity == StoreFindingSeverity.Damage);
            }

            await Everything.PutAsync(store, key, good);
        }

        Assert.True((await MlopsWorkspace.VerifyStoreAsync(store)).Ok);
    }

    [Fact]
    public async Task Random_flips_over_a_larger_workspace_are_found()
    {
        SortedDictionary<string, byte[]> objects = everything.Objects;
        using var folder = new TemporaryFolder();
        if (Flips > 1_000)
        {
            objects = new(StringComparer.Ordinal);
            await Everything.WriteAsync(folder["w"], runs: 40, versions: 250, points: 400);
            await Everything.FoldAsync(folder["w"]);
            await Everything.ReadAsync(folder["w"], objects);
        }

        InMemoryObjectStore store = await Everything.CopyAsync(objects);
        await using var checking = await Checking.StartAsync(store);
        string[] keys = [.. objects.Keys];
        long bytes = objects.Values.Sum(o => (long)o.Length);
        var random = new Random(10_000);
        for (int flip = 0; flip < Flips; flip++)
        {
            // half of them any byte, half of them any object: a few large ones have most of the bytes
            string key = flip % 2 == 0 ? keys[random.Next(keys.Length)] : At(objects, random.NextInt64(bytes));
            byte[] good = objects[key];
            byte[] bad = [.. good];
            int at = random.Next(bad.Length);
            int bit = random.Next(8);
            bad[at] ^= (byte)(1 << bit);
            await ExpectDamageAsync(checking, store, key, bad, $"bit {bit} of byte {at} of {good.Length}");
            if (flip % 50 == 0)
            {
                WorkspaceVerification found = await MlopsWorkspace.VerifyStoreAsync(store);
                Assert.Contains(found.Findings, f => f.Key == key && f.Severity == StoreFindingSeverity.Damage);
            }

            await Everything.PutAsync(store, key, good);
        }

        WorkspaceVerification whole = await MlopsWorkspace.VerifyStoreAsync(store);
        Assert.True(whole.Ok, string.Join('\n', whole.Findings));
        TestContext.Current.TestOutputHelper?.WriteLine($"{Flips} flips over {keys.Length} objects of {bytes} bytes");
    }

    private static string At(SortedDictionary<string, byte[]> objects, long place)
    {
        foreach ((string key, byte[] bytes) in objects)
        {
            if ((place -= bytes.Length) < 0)
            {
                return key;
            }
        }

        throw new InvalidOperationException();
    }

    private static async Task ExpectDamageAsync(Checking checking, InMemoryObjectStore store, string key, byte[] bad, string what)
    {
        await Everything.PutAsync(store, key, bad);
        StoreFinding? found = await checking.CheckAsync(key);
        Assert.True(found is { Severity: StoreFindingSeverity.Damage } && found.Key == key, $"{what} of '{key}' was flipped and not found: {found}");
    }

    /// <summary>Checks objects one by one with the inspectors of an open workspace. It is told that nothing of the ledger is proven, so that commits and segments are checked by themselves, too.</summary>
    private sealed class Checking : IAsyncDisposable
    {
        private readonly InMemoryObjectStore _store;
        private readonly ServiceProvider _services;
        private readonly WorkspaceVerifier _verifier;

        private Checking(InMemoryObjectStore store, ServiceProvider services)
        {
            (_store, _services) = (store, services);
            _verifier = new WorkspaceVerifier(store, new LedgerVerification(false, default), services.GetServices<IStoreInspector>(), null);
        }

        public ValueTask DisposeAsync() => _services.DisposeAsync();

        internal static async Task<Checking> StartAsync(InMemoryObjectStore store)
        {
            ServiceProvider services = new ServiceCollection().AddMlops(m => m.UseStore(store)).BuildServiceProvider();
            var checking = new Checking(store, services);
            await checking._verifier.StartAsync(CancellationToken.None);
            return checking;
        }

        internal async Task<StoreFinding?> CheckAsync(string key) => await _verifier.CheckAsync((await _store.HeadAsync(ObjectKey.Parse(key)))!, CancellationToken.None);
    }
}
