namespace Mlops.Sdk.Core.Tests;

public sealed class EnvironmentCaptureTests : IDisposable
{
    private const string Commit = "0123456789abcdef0123456789abcdef01234567";
    private readonly string _folder = Directory.CreateTempSubdirectory("mlops-env-").FullName;

    [Fact]
    public void It_tells_runtime_machine_seed_and_the_loaded_packages_asked_for()
    {
        EnvironmentInfo info = EnvironmentCapture.Now(7, "Mlops.Sdk.Core", "Not.Loaded");
        Assert.Equal(7, info.Seed);
        Assert.StartsWith(".NET ", info.Runtime, StringComparison.Ordinal);
        Assert.Equal(Environment.ProcessorCount, info.Processors);
        Assert.Equal(["Mlops.Sdk.Core"], info.Packages.Keys);
        Assert.Matches(@"^\d+\.\d+\.\d+", info.Packages["Mlops.Sdk.Core"]);
        Assert.NotEmpty(info.OperatingSystem);
        Assert.NotEmpty(info.Architecture);
    }

    [Fact]
    public void A_detached_head_is_the_commit() => Assert.Equal(Commit, Find(Commit + "\n"));

    [Fact]
    public void A_branch_is_followed_from_any_folder_below()
    {
        Write(".git/HEAD", "ref: refs/heads/main\n");
        Write(".git/refs/heads/main", Commit + "\n");
        Directory.CreateDirectory(Path.Combine(_folder, "src/deep"));
        Assert.Equal(Commit, EnvironmentCapture.GitCommit(Path.Combine(_folder, "src/deep")));
    }

    [Fact]
    public void A_packed_branch_is_found()
    {
        Write(".git/packed-refs", $"# pack-refs with: peeled\n{new string('f', 40)} refs/heads/main2\n{Commit} refs/heads/main\n");
        Assert.Equal(Commit, Find("ref: refs/heads/main\n"));
    }

    [Fact]
    public void A_linked_work_tree_is_followed_to_its_repository()
    {
        Write("repo/.git/refs/heads/topic", Commit);
        Write("repo/.git/worktrees/w/HEAD", "ref: refs/heads/topic");
        Write("repo/.git/worktrees/w/commondir", "../..\n");
        Write("tree/.git", "gitdir: ../repo/.git/worktrees/w\n");
        Assert.Equal(Commit, EnvironmentCapture.GitCommit(Path.Combine(_folder, "tree")));
    }

    [Theory]
    [InlineData("ref: refs/heads/none")]
    [InlineData("ref: ../../../etc/passwd")]
    [InlineData("ref: refs/../../secret")]
    [InlineData("ref: /etc/passwd")]
    [InlineData("not a commit")]
    [InlineData("")]
    public void What_is_no_commit_is_none(string head)
    {
        Write("secret", Commit);
        Assert.Null(Find(head));
    }

    [Fact]
    public void A_head_of_megabytes_is_not_read() => Assert.Null(Find(new string('a', 1 << 20)));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string? Find(string head)
    {
        Write(".git/HEAD", head);
        return EnvironmentCapture.GitCommit(_folder);
    }

    private void Write(string path, string text)
    {
        string full = Path.Combine(_folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
