using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Ledger;

/// <summary>The tree of RFC 6962: the vectors of the Certificate Transparency project, and every proof of every small tree.</summary>
public sealed class MerkleTreeTests
{
    private const int Largest = 300;

    private static readonly string[] Leaves =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    private static readonly string[] Roots =
    [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    [Fact]
    public void Roots_are_those_of_the_known_vectors()
    {
        Digest[] leaves = [.. Leaves.Select(l => MerkleTree.HashLeaf(Convert.FromHexString(l)))];
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", MerkleTree.EmptyRoot.Hex);
        Assert.Equal(Roots, Enumerable.Range(1, 8).Select(n => MerkleTree.RootOf(leaves[..n]).Hex));
    }

    [Fact]
    public async Task Every_entry_of_every_small_ledger_is_proven_and_no_altered_proof_holds()
    {
        await using ObjectLedger ledger = await FillAsync();
        for (int size = 1; size <= Largest; size++)
        {
            for (int entry = 0; entry < size; entry++)
            {
                InclusionProof proof = await ledger.ProveInclusionAsync(entry, size);
                Assert.True(proof.Verify(), $"Entry {entry} of {size}.");
                if ((size + entry) % 7 == 0)
                {
                    ExpectNoAlteredProofHolds(proof);
                }
            }
        }
    }

    [Fact]
    public async Task Every_small_ledger_extends_every_smaller_one_and_no_altered_proof_holds()
    {
        await using ObjectLedger ledger = await FillAsync();
        for (int newer = 0; newer <= Largest; newer++)
        {
            for (int older = 0; older <= newer; older++)
            {
                ConsistencyProof proof = await ledger.ProveConsistencyAsync(older, newer);
                Assert.True(proof.Verify(), $"{older} to {newer}.");
                if ((newer + older) % 7 == 0 && older > 0)
                {
                    Assert.False((proof with { Older = proof.Older with { Root = Altered(proof.Older.Root) } }).Verify());
                    Assert.False((proof with { Newer = proof.Newer with { Root = Altered(proof.Newer.Root) } }).Verify());
                    Assert.All(AlteredPaths(proof.Path), path => Assert.False((proof with { Path = path }).Verify()));
                }
            }
        }
    }

    [Fact]
    public async Task The_root_of_a_ledger_is_that_of_its_lines()
    {
        await using ObjectLedger ledger = await FillAsync();
        var leaves = new List<Digest>();
        for (int i = 0; i < Largest; i++)
        {
            leaves.Add(MerkleTree.HashLeaf((await ledger.ProveInclusionAsync(i)).Line.Span));
        }

        Assert.Equal(MerkleTree.RootOf(leaves), (await ledger.CheckpointAsync()).Root);
        Assert.Equal(MerkleTree.RootOf(leaves[..77]), (await ledger.CheckpointAsync(77)).Root);
        Assert.Equal("e123", (await ledger.ProveInclusionAsync(123)).ReadEntry().Resource.Name);
    }

    [Fact]
    public async Task What_is_not_there_cannot_be_proven()
    {
        await using ObjectLedger ledger = await FillAsync();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await ledger.ProveInclusionAsync(Largest));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await ledger.ProveInclusionAsync(5, 5));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await ledger.ProveConsistencyAsync(9, 8));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await ledger.CheckpointAsync(Largest + 1));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await ledger.CheckpointAsync(-1));
    }

    private static void ExpectNoAlteredProofHolds(InclusionProof proof)
    {
        Assert.False((proof with { Line = new byte[] { 1 } }).Verify());
        Assert.False((proof with { Entry = proof.Entry + 1 }).Verify());
        Assert.False((proof with { Checkpoint = proof.Checkpoint with { Root = Altered(proof.Checkpoint.Root) } }).Verify());
        Assert.All(AlteredPaths(proof.Path), path => Assert.False((proof with { Path = path }).Verify()));
    }

    private static IEnumerable<Digest[]> AlteredPaths(IReadOnlyList<Digest> path)
    {
        for (int i = 0; i < path.Count; i++)
        {
            yield return [.. path.Select((p, at) => at == i ? Altered(p) : p)];
            yield return [.. path.Where((_, at) => at != i)];
        }

        yield return [.. path, MerkleTree.EmptyRoot];
    }

    private static Digest Altered(Digest digest)
    {
        byte[] bytes = MerkleTree.BytesOf(digest);
        bytes[17] ^= 4;
        return Digest.FromHash(bytes);
    }

    /// <summary>Some commits of one entry and some of several, most of them folded.</summary>
    private static async Task<ObjectLedger> FillAsync()
    {
        ObjectLedger ledger = await ObjectLedger.OpenAsync(new InMemoryObjectStore(), new LedgerOptions { SegmentCommits = 16 });
        for (int i = 0; i < Largest;)
        {
            int count = Math.Min(1 + (i % 5), Largest - i);
            await ledger.AppendAsync([.. Enumerable.Range(i, count).Select(n => Drafts.Of($"e{n}"))]);
            i += count;
        }

        return ledger;
    }
}
