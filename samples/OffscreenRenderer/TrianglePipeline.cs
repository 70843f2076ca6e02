using Silk.NET.Vulkan;

namespace Vmem.Samples;

/// <summary>How a triangle is drawn into an image: a render pass that clears it, and a pipeline of two shaders.</summary>
internal sealed unsafe class TrianglePipeline : IDisposable
{
    /// <summary>Bytes of a corner: two numbers for the place, three for the colour.</summary>
    public const int CornerSize = 5 * sizeof(float);

    private readonly HeadlessDevice _device;
    private RenderPass _pass;
    private PipelineLayout _layout;
    private Pipeline _pipeline;

    public TrianglePipeline(HeadlessDevice device, Format format, Extent2D extent)
    {
        _device = device;
        try
        {
            MakePass(format);
            MakePipeline(extent);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public RenderPass Pass => _pass;

    public Pipeline Handle => _pipeline;

    public void Dispose()
    {
        _device.Vk.DestroyPipeline(_device.Device, _pipeline, null);
        _device.Vk.DestroyPipelineLayout(_device.Device, _layout, null);
        _device.Vk.DestroyRenderPass(_device.Device, _pass, null);
    }

    // The pass leaves the image ready to be copied from.
    private void MakePass(Format format)
    {
        var target = new AttachmentDescription
        {
            Format = format,
            Samples = SampleCountFlags.Count1Bit,
            LoadOp = AttachmentLoadOp.Clear,
            StoreOp = AttachmentStoreOp.Store,
            StencilLoadOp = AttachmentLoadOp.DontCare,
            StencilStoreOp = AttachmentStoreOp.DontCare,
            InitialLayout = ImageLayout.Undefined,
            FinalLayout = ImageLayout.TransferSrcOptimal,
        };
        var reference = new AttachmentReference { Layout = ImageLayout.ColorAttachmentOptimal };
        var subpass = new SubpassDescription
        {
            PipelineBindPoint = PipelineBindPoint.Graphics,
            ColorAttachmentCount = 1,
            PColorAttachments = &reference,
        };
        SubpassDependency* dependencies = stackalloc SubpassDependency[]
        {
            new SubpassDependency
            {
                SrcSubpass = Vk.SubpassExternal,
                SrcStageMask = PipelineStageFlags.TransferBit,
                SrcAccessMask = AccessFlags.TransferReadBit,
                DstStageMask = PipelineStageFlags.ColorAttachmentOutputBit,
                DstAccessMask = AccessFlags.ColorAttachmentWriteBit,
            },
            new SubpassDependency
            {
                DstSubpass = Vk.SubpassExternal,
                SrcStageMask = PipelineStageFlags.ColorAttachmentOutputBit,
                SrcAccessMask = AccessFlags.ColorAttachmentWriteBit,
                DstStageMask = PipelineStageFlags.TransferBit,
                DstAccessMask = AccessFlags.TransferReadBit,
            },
        };
        var info = new RenderPassCreateInfo
        {
            SType = StructureType.RenderPassCreateInfo,
            AttachmentCount = 1,
            PAttachments = &target,
            SubpassCount = 1,
            PSubpasses = &subpass,
            DependencyCount = 2,
            PDependencies = dependencies,
        };
        RenderPass pass;
        HeadlessDevice.Check(_device.Vk.CreateRenderPass(_device.Device, &info, null, &pass));
        _pass = pass;
    }

    private void MakePipeline(Extent2D extent)
    {
        var layoutInfo = new PipelineLayoutCreateInfo { SType = StructureType.PipelineLayoutCreateInfo };
        PipelineLayout layout;
        HeadlessDevice.Check(_device.Vk.CreatePipelineLayout(_device.Device, &layoutInfo, null, &layout));
        _layout = layout;
        ShaderModule vertex = default;
        ShaderModule fragment = default;
        try
        {
            vertex = Shader("triangle.vert.spv");
            fragment = Shader("triangle.frag.spv");
            fixed (byte* main = "main\0"u8)
            {
                PipelineShaderStageCreateInfo* stages = stackalloc PipelineShaderStageCreateInfo[]
                {
                    new PipelineShaderStageCreateInfo
                    {
                        SType = StructureType.PipelineShaderStageCreateInfo,
                        Stage = ShaderStageFlags.VertexBit,
                        Module = vertex,
                        PName = main,
                    },
                    new PipelineShaderStageCreateInfo
                    {
                        SType = StructureType.PipelineShaderStageCreateInfo,
                        Stage = ShaderStageFlags.FragmentBit,
                        Module = fragment,
                        PName = main,
                    },
                };
                MakePipeline(extent, stages);
            }
        }
        finally
        {
            _device.Vk.DestroyShaderModule(_device.Device, vertex, null);
            _device.Vk.DestroyShaderModule(_device.Device, fragment, null);
        }
    }

    private void MakePipeline(Extent2D extent, PipelineShaderStageCreateInfo* stages)
    {
        var corners = new VertexInputBindingDescription { Stride = CornerSize, InputRate = VertexInputRate.Vertex };
        VertexInputAttributeDescription* attributes = stackalloc VertexInputAttributeDescription[]
        {
            new VertexInputAttributeDescription { Location = 0, Format = Format.R32G32Sfloat, Offset = 0 },
            new VertexInputAttributeDescription { Location = 1, Format = Format.R32G32B32Sfloat, Offset = 2 * sizeof(float) },
        };
        var input = new PipelineVertexInputStateCreateInfo
        {
            SType = StructureType.PipelineVertexInputStateCreateInfo,
            VertexBindingDescriptionCount = 1,
            PVertexBindingDescriptions = &corners,
            VertexAttributeDescriptionCount = 2,
            PVertexAttributeDescriptions = attributes,
        };
        var assembly = new PipelineInputAssemblyStateCreateInfo
        {
            SType = StructureType.PipelineInputAssemblyStateCreateInfo,
            Topology = PrimitiveTopology.TriangleList,
        };
        var viewport = new Viewport { Width = extent.Width, Height = extent.Height, MaxDepth = 1 };
        var scissor = new Rect2D { Extent = extent };
        var view = new PipelineViewportStateCreateInfo
        {
            SType = StructureType.PipelineViewportStateCreateInfo,
            ViewportCount = 1,
            PViewports = &viewport,
            ScissorCount = 1,
            PScissors = &scissor,
        };
        var raster = new PipelineRasterizationStateCreateInfo
        {
            SType = StructureType.PipelineRasterizationStateCreateInfo,
            PolygonMode = PolygonMode.Fill,
            LineWidth = 1,
        };
        var samples = new PipelineMultisampleStateCreateInfo
        {
            SType = StructureType.PipelineMultisampleStateCreateInfo,
            RasterizationSamples = SampleCountFlags.Count1Bit,
        };
        var blend = new PipelineColorBlendAttachmentState
        {
            ColorWriteMask = ColorComponentFlags.RBit | ColorComponentFlags.GBit | ColorComponentFlags.BBit | ColorComponentFlags.ABit,
        };
        var blending = new PipelineColorBlendStateCreateInfo
        {
            SType = StructureType.PipelineColorBlendStateCreateInfo,
            AttachmentCount = 1,
            PAttachments = &blend,
        };
        var info = new GraphicsPipelineCreateInfo
        {
            SType = StructureType.GraphicsPipelineCreateInfo,
            StageCount = 2,
            PStages = stages,
            PVertexInputState = &input,
            PInputAssemblyState = &assembly,
            PViewportState = &view,
            PRasterizationState = &raster,
            PMultisampleState = &samples,
            PColorBlendState = &blending,
            Layout = _layout,
            RenderPass = _pass,
        };
        Pipeline pipeline;
        HeadlessDevice.Check(_device.Vk.CreateGraphicsPipelines(_device.Device, default, 1, &info, null, &pipeline));
        _pipeline = pipeline;
    }

    private ShaderModule Shader(string name)
    {
        using Stream stream = typeof(TrianglePipeline).Assembly.GetManifestResourceStream(name)!;
        byte[] code = new byte[stream.Length];
        stream.ReadExactly(code);
        fixed (byte* first = code)
        {
            var info = new ShaderModuleCreateInfo
            {
                SType = StructureType.ShaderModuleCreateInfo,
                CodeSize = (nuint)code.Length,
                PCode = (uint*)first,
            };
            ShaderModule module;
            HeadlessDevice.Check(_device.Vk.CreateShaderModule(_device.Device, &info, null, &module));
            return module;
        }
    }
}
