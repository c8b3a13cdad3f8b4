using Mlops.Sdk.Serving;

namespace Mlops.Sdk.Compilation.Tests;

public sealed class EqualBitsTests
{
    public static TheoryData<string> Models => [.. Trained.Names()];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_compiled_model_gives_the_bits_of_the_model_on_test_rows_and_hostile_rows(string name)
    {
        (TestData data, ILoadedModel model) = Trained.Get(name);
        CompiledResult compiled = ProgramCompiler.TryCompile(model, model.Program, data.Probes(200));
        Assert.Null(compiled.Problem);
        Assert.True(compiled.Probes > 1_000);
        AssertEqualBits(model, compiled.Model, data);
    }

    internal static void AssertEqualBits(ILoadedModel model, ILoadedModel compiled, TestData data)
    {
        float[] expected = new float[model.Schema.Outputs.Count];
        float[] found = new float[expected.Length];
        int different = 0;
        foreach ((float[] numbers, string?[] texts) in data.TestRows().Concat(data.HostileRows(5_000, 99)))
        {
            model.Score(new ModelRow(numbers, texts), expected);
            compiled.Score(new ModelRow(numbers, texts), found);
            different += expected.Select(BitConverter.SingleToInt32Bits).SequenceEqual(found.Select(BitConverter.SingleToInt32Bits)) ? 0 : 1;
        }

        Assert.Equal(0, different);
    }
}
