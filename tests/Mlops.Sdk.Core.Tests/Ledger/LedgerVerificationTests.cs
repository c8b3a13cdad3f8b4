using System.Text;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Ledger;

/// <summary>Whatever is done to the stored bytes is found and named, and what stands before it is proven good.</summary>
public sealed class LedgerVerificationTests
{
    private static readonly ObjectKey[] Keys = [.. Enumerable.Range(0, 4).Select(n => ObjectKey.Parse($"ledger/commits/{n:D12}"))];
    private static readonly long[] FirstEntries = [0, 1, 3, 4];
    private readonly InMemoryObjectStore _store = new();

    [Fact]
    public async Task Every_flipped_bit_is_found_on_verifying_and_on_opening()
    {
        await using ObjectLedger witness = await FillAsync();
        for (int commit = 0; commit < 3; commit++)
        {
            byte[] good = await ReadAsync(Keys[commit]);
            for (int bit = 0; bit < good.Length * 8; bit++)
            {
                byte[] bad = [.. good];
                bad[bit / 8] ^= (byte)(1 << (bit % 8));
                await WriteAsync(Keys[commit], bad);
                await ExpectFoundAsync(witness, commit, onOpening: bit % 8 == bit / 8 % 8);
            }

            await WriteAsync(Keys[commit], good);
        }

        Assert.True((await witness.VerifyAsync()).Ok);
    }

    [Fact]
    public async Task Every_cut_and_every_surplus_byte_is_found()
    {
        await using ObjectLedger witness = await FillAsync();
        for (int commit = 0; commit < 3; commit++)
        {
            byte[] good = await ReadAsync(Keys[commit]);
            for (int cut = 0; cut < good.Length; cut++)
            {
                await WriteAsync(Keys[commit], good[..cut]);
                await ExpectFoundAsync(witness, commit);
            }

            foreach (byte surplus in "\n {}\0"u8.ToArray())
            {
                await WriteAsync(Keys[commit], [.. good, surplus]);
                await ExpectFoundAsync(witness, commit);
            }

            await WriteAsync(Keys[commit], good);
        }
    }

    [Fact]
    public async Task A_missing_commit_is_named()
    {
        await using ObjectLedger witness = await FillAsync();
        await _store.DeleteAsync(Keys[1]);
        LedgerVerification found = await witness.VerifyAsync();
        Assert.Equal((false, 1, 1), (found.Ok, found.BadCommit, found.BadEntry));
        Assert.Contains("missing", found.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tail_that_was_cut_off_is_found_by_a_process_that_saw_it()
    {
        await using ObjectLedger witness = await FillAsync();
        await _store.DeleteAsync(Keys[2]);
        LedgerVerification found = await witness.VerifyAsync();
        Assert.Equal((false, 2, 3), (found.Ok, found.BadCommit, found.BadEntry));
        Assert.Equal((2, 3), (found.Proven.Commits, found.Proven.Entries));
    }

    [Fact]
    public async Task Swapped_and_copied_commits_are_found()
    {
        await using ObjectLedger witness = await FillAsync();
        byte[][] good = [await ReadAsync(Keys[0]), await ReadAsync(Keys[1]), await ReadAsync(Keys[2])];
        for (int place = 0; place < 3; place++)
        {
            for (int other = 0; other < 3; other++)
            {
                if (place != other)
                {
                    await WriteAsync(Keys[place], good[other]);
                    await ExpectFoundAsync(witness, place);
                    await WriteAsync(Keys[place], good[place]);
                }
            }
        }
    }

    [Fact]
    public async Task A_history_that_was_rewritten_whole_is_found_by_a_process_that_saw_the_true_one()
    {
        await using ObjectLedger witness = await FillAsync();
        var forged = new InMemoryObjectStore();
        await using (ObjectLedger forger = await ObjectLedger.OpenAsync(forged))
        {
            await forger.AppendAsync([Drafts.Of("A")]);
            await forger.AppendAsync([Drafts.Of("b"), Drafts.Of("c")]);
            await forger.AppendAsync([Drafts.Of("d")]);
        }

        foreach (ObjectKey key in Keys[..3])
        {
            await WriteAsync(key, await ReadAsync(key, forged));
        }

        LedgerVerification found = await witness.VerifyAsync();
        Assert.False(found.Ok);
        Assert.Contains("rewritten", found.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_commit_of_a_newer_format_is_refused_with_both_versions_named()
    {
        string body = """{"format":2,"number":0,"first":0,"count":1}""" + "\n{}\n";
        await WriteAsync(Keys[0], Encoding.UTF8.GetBytes(body + $$"""{"sha256":"{{Digest.Of(Encoding.UTF8.GetBytes(body)).Hex}}"}""" + "\n"));
        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await ObjectLedger.OpenAsync(_store));
        Assert.Equal("ledger.newer_format", error.Code);
        Assert.Contains("format 2", error.Message, StringComparison.Ordinal);
        Assert.Contains("up to 1", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"format":1,"number":0,"first":0,"count":1000000000}""")]
    [InlineData("""{"format":1,"number":0,"first":0,"count":0}""")]
    [InlineData("""{"format":1,"number":0,"first":0,"count":-1}""")]
    [InlineData("""{"format":1,"number":99999999999999999999,"first":0,"count":1}""")]
    [InlineData("""{"format":"1","number":0,"first":0,"count":1}""")]
    [InlineData("""{"number":0,"first":0,"count":1}""")]
    [InlineData("""[]""")]
    [InlineData("""nonsense""")]
    public async Task A_header_that_lies_is_refused(string header)
    {
        string body = header + "\n{}\n";
        await WriteAsync(Keys[0], Encoding.UTF8.GetBytes(body + $$"""{"sha256":"{{Digest.Of(Encoding.UTF8.GetBytes(body)).Hex}}"}""" + "\n"));
        Assert.Equal("ledger.corrupt", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await ObjectLedger.OpenAsync(_store))).Code);
    }

    [Fact]
    public async Task Random_bytes_are_no_commit() => await Gen.Byte.Array[0, 400].SampleAsync(
        async bytes =>
        {
            var store = new InMemoryObjectStore();
            using var content = new MemoryStream(bytes);
            await store.PutAsync(Keys[0], content);
            Assert.Equal("ledger.corrupt", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await ObjectLedger.OpenAsync(store))).Code);
        },
        iter: 200);

    private async Task<ObjectLedger> FillAsync()
    {
        ObjectLedger ledger = await ObjectLedger.OpenAsync(_store);
        await ledger.AppendAsync([Drafts.Of("a")]);
        await ledger.AppendAsync([Drafts.Of("b"), Drafts.Of("c", 7)]);
        await ledger.AppendAsync([Drafts.Of("d")]);
        return ledger;
    }

    private async Task ExpectFoundAsync(ObjectLedger witness, int commit, bool onOpening = true)
    {
        LedgerVerification found = await witness.VerifyAsync();
        Assert.False(found.Ok);
        Assert.Equal((commit, FirstEntries[commit]), (found.BadCommit, found.BadEntry));
        Assert.Equal((commit, FirstEntries[commit]), (found.Proven.Commits, found.Proven.Entries));
        Assert.Contains($"Commit {commit} ", found.Problem, StringComparison.Ordinal);
        if (!onOpening)
        {
            return;
        }

        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await ObjectLedger.OpenAsync(_store));
        Assert.Equal("ledger.corrupt", error.Code);
        Assert.Contains($"Commit {commit} ", error.Message, StringComparison.Ordinal);
    }

    private async Task<byte[]> ReadAsync(ObjectKey key, IObjectStore? store = null)
    {
        await using Stream stream = (await (store ?? _store).OpenAsync(key))!;
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy);
        return copy.ToArray();
    }

    private async Task WriteAsync(ObjectKey key, byte[] bytes)
    {
        using var content = new MemoryStream(bytes);
        await _store.PutAsync(key, content);
    }
}
