using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Mlops.Sdk.MLNet.Tests;

public sealed class ModelZipTests
{
    [Fact]
    public void The_content_digest_is_the_same_for_the_same_model_saved_at_another_time()
    {
        byte[] one = Zip(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), ("a", "first"), ("b", "second"));
        byte[] two = Zip(new(2026, 2, 2, 0, 0, 0, TimeSpan.Zero), ("b", "second"), ("a", "first"));
        Assert.NotEqual(one, two);
        Assert.Equal(ModelZip.ContentDigest(one), ModelZip.ContentDigest(two));
        Assert.NotEqual(ModelZip.ContentDigest(one), ModelZip.ContentDigest(Zip(default, ("a", "firsts"), ("b", "econd"))));
        Assert.NotEqual(ModelZip.ContentDigest(one), ModelZip.ContentDigest(Zip(default, ("a", "second"), ("b", "first"))));
    }

    [Fact]
    public void Equal_training_gives_equal_content_in_any_thread_and_culture()
    {
        Digest[] digests = new Digest[3];
        Thread[] threads = [.. Enumerable.Range(0, 3).Select(i => new Thread(() => digests[i] = ModelZip.ContentDigest(Trained.Model(400).Zip)))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.Single(digests.Distinct());
    }

    [Fact]
    public void A_sound_model_passes() => ModelZip.Check(Trained.Model(200).Zip, "late");

    [Fact]
    public void A_bomb_is_refused_by_what_it_states() => Refused("unpack", Zip(default, ("bomb", new string('0', 40 << 20))));

    [Fact]
    public void A_bomb_that_lies_about_its_size_is_refused()
    {
        byte[] zip = Zip(default, ("bomb", new string('0', 40 << 20)));
        int central = zip.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(central + 24), 10); // the uncompressed size in the central directory
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(22), 10);           // and in the local header
        Assert.Equal("model.unsafe_file", Assert.Throws<MlopsModelException>(() => ModelZip.Check(zip, "late")).Code);
    }

    [Fact]
    public void Content_that_is_not_what_its_checksum_says_is_refused()
    {
        byte[] zip = Zip(default, ("a", "some content"));
        int central = zip.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        zip[central + 16] ^= 1;
        Assert.Equal("model.unsafe_file", Assert.Throws<MlopsModelException>(() => ModelZip.Check(zip, "late")).Code);
    }

    [Theory]
    [InlineData("../escape")]
    [InlineData("a/../../escape")]
    [InlineData("..\\escape")]
    [InlineData("/etc/passwd")]
    public void A_name_that_leaves_the_archive_is_refused(string name) => Refused("leaves the archive", Zip(default, (name, "x")));

    [Fact]
    public void A_name_that_comes_twice_is_refused() => Refused("twice", Zip(default, ("a", "x"), ("A", "y")));

    [Fact]
    public void Too_many_entries_none_and_no_zip_at_all_are_refused()
    {
        Refused("10001 entries", Zip(default, [.. Enumerable.Range(0, 10_001).Select(i => ($"e{i}", ""))]));
        Refused("0 entries", Zip(default));
        Refused("no sound zip", Encoding.UTF8.GetBytes("this is a text"));
        Refused("no sound zip", []);
    }

    private static void Refused(string why, byte[] zip)
    {
        MlopsModelException error = Assert.Throws<MlopsModelException>(() => ModelZip.Check(zip, "late"));
        Assert.Equal("model.unsafe_file", error.Code);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    private static byte[] Zip(DateTimeOffset time, params (string Name, string Content)[] entries)
    {
        using var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, string content) in entries)
            {
                ZipArchiveEntry entry = zip.CreateEntry(name);
                entry.LastWriteTime = time.Year < 1980 ? new DateTimeOffset(1990, 1, 1, 0, 0, 0, TimeSpan.Zero) : time;
                using Stream stream = entry.Open();
                stream.Write(Encoding.UTF8.GetBytes(content));
            }
        }

        return bytes.ToArray();
    }
}
